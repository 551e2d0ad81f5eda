import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPostgres } from '@hookswitch/store-sql'
import { postgresMissing, queryPostgres, startPostgres, type Postgres } from '@hookswitch/testkit/postgres'
import { moveIntoThePast, storeContract, storeContractCases } from '@hookswitch/testkit/store-contract'

const missing = postgresMissing()

describe.skipIf(missing !== null)(`PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let postgres: Postgres
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres?.stop())

  const contract = storeContract('holds to the contract of the store', {
    interleavings: 20,
    async open() {
      const { url } = postgres
      const open = () => openPostgres({ url })
      return {
        store: await open(),
        reopen: open,
        another: open,
        advance: (ms) => moveIntoThePast(url, ms),
        async dispose() {
          await queryPostgres(url, 'DROP SCHEMA hookswitch CASCADE')
        },
      }
    },
  })

  test('every case of the contract ran', () => {
    expect(contract.ran()).toBe(storeContractCases)
  })
})
