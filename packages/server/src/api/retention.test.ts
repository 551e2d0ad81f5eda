import { expect, test } from 'vitest'
import { startApiServer } from '../../test/api-server.ts'

test('says of each class how long it is kept, and what goes now', async () => {
  const server = await startApiServer({ config: { retention: { attemptsDays: 0.5, recordsDays: null } } })
  try {
    expect(await server.ask('/retention')).toMatchObject({
      status: 200,
      body: {
        attempts: { days: 0.5, removedBefore: '2026-05-31T12:00:00.000Z' },
        transcripts: { days: null, removedBefore: null },
        records: { days: null, removedBefore: null },
        events: { days: null, removedBefore: null },
      },
    })
  } finally {
    await server.close()
  }
})
