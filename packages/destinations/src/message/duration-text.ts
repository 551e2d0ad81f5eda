/**
 * Seconds as people say them: `0.4 s`, `5 s`, `2 min 5 s`, `1 h 1 min`. Nothing below a second counts from one
 * second on, no seconds from one hour on.
 */
export function durationText(seconds: number): string {
  if (seconds > 0 && seconds < 1) return `${Math.max(Math.round(seconds * 10), 1) / 10} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return joined(Math.floor(whole / 60), 'min', whole % 60, 's')
  return joined(Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'min')
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}
