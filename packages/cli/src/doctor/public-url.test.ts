import { expect, test } from 'vitest'
import { checkPublicUrl } from './public-url.ts'

test.each([
  ['https://hooks.example.com', 'ok'],
  ['https://8.8.8.8', 'ok'],
  ['http://hooks.example.com', 'warn'],
  ['https://localhost:4000', 'warn'],
  ['https://192.168.1.5', 'warn'],
  ['https://[::1]', 'warn'],
  ['https://[fd00::5]', 'warn'],
  ['https://nas.local', 'warn'],
  ['https://server', 'warn'],
  [null, 'warn'],
])('%s: %s', (publicUrl, status) => {
  const check = checkPublicUrl(publicUrl)
  expect(check.status).toBe(status)
  expect(check.advice === null).toBe(status === 'ok')
})
