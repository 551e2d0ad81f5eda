import { describe, expect, test } from 'vitest'
import { formatTable, type Column } from './table.ts'
import { columnsOf } from './width.ts'

interface Row {
  name: string
  count: number
}

const columns: Column<Row>[] = [
  { title: 'name', text: ({ name }) => name },
  { title: 'count', text: ({ count }) => String(count), align: 'right' },
  { title: 'again', text: ({ name }) => name },
]

const plain = { columns: Infinity, paintTitle: (text: string) => text }

function table(rows: Row[], terminalColumns = Infinity): string[] {
  return formatTable(columns, rows, { ...plain, columns: terminalColumns }).split('\n')
}

describe('a table', () => {
  test('lines its columns up, numbers by their ends - digits of one weight stand below each other', () => {
    expect(
      table([
        { name: 'a', count: 1 },
        { name: 'longer', count: 1234 },
      ]),
    ).toEqual(['name    count  again', 'a           1  a', 'longer   1234  longer'])
  })

  test('fits the terminal by shortening the widest columns - the narrow ones say more per column', () => {
    const lines = table([{ name: 'a-name-of-some-thirty-characters', count: 5 }], 40)
    expect(lines.map(columnsOf)).toEqual([expect.any(Number), 40])
    expect(lines[1]).toBe('a-name-of-some…      5  a-name-of-some-…')
  })

  test('is left too wide where it would say nothing any more - a name of three letters is no name', () => {
    const [, line = ''] = table([{ name: 'a-name-of-some-thirty-characters', count: 5 }], 10)
    expect(line).toBe('a-name-…      5  a-name-…')
  })

  test('never shortens what must be whole - half an id finds nothing', () => {
    const ids: Column<Row>[] = [
      { title: 'id', text: ({ name }) => name, whole: true },
      { title: 'again', text: ({ name }) => name },
    ]
    const rows = [{ name: 'a-name-of-some-thirty-characters', count: 5 }]
    const lines = formatTable(ids, rows, { ...plain, columns: 30 }).split('\n')
    expect(lines[1]).toBe('a-name-of-some-thirty-characters  a-name-…')
  })

  test('counts columns, not characters - Chinese takes two, marks on Arabic letters none', () => {
    const [title = '', chinese = '', arabic = ''] = table([
      { name: '通话', count: 1 },
      { name: 'مُحَمَّد', count: 2 },
    ])
    expect(columnsOf(chinese)).toBe(columnsOf(title) + columnsOf('通话') - columnsOf('again'))
    expect(chinese).toBe('通话      1  通话')
    expect(arabic).toBe('مُحَمَّد      2  مُحَمَّد')
  })

  test('shows what a sender wrote without obeying it - an escape sequence could rewrite the lines above', () => {
    const [, line = ''] = table([{ name: '\u001b[2Jx\ny\u202e', count: 1 }])
    expect(line.startsWith(String.raw`\u{1b}[2Jx y\u{202e}`)).toBe(true)
  })

  test('paints a cell after its width is settled - colours take no room', () => {
    const painted: Column<Row>[] = [
      { title: 'name', text: ({ name }) => name, paint: (text) => `<${text}>` },
      { title: 'count', text: ({ count }) => String(count) },
    ]
    expect(formatTable(painted, [{ name: 'a', count: 1 }], plain)).toBe('name  count\n<a>     1')
  })
})
