/**
 * Milliseconds of the machine's monotonic clock, which all processes read alike: what one of them sent can be
 * subtracted from what another received. `performance.now()` begins anew in each.
 */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
