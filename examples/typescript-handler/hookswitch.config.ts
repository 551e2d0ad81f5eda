import { defineConfig, handler } from 'hookswitch'
import { saveCall } from './crm.ts'

export default defineConfig({
  destinations: [
    handler({
      name: 'crm',
      events: ['call.ended'],
      // The calls of one caller go one after the other; those of different callers side by side.
      lane: { path: 'call.userNumber' },
      limits: { concurrency: 5 },
      settings: { deadlineSeconds: 20 },
      run: saveCall,
    }),
  ],
})
