import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { listFiles, repositoryRoot } from './repository.ts'

const pages = listFiles(repositoryRoot).filter((file) => file.endsWith('.md'))

/** A page without what is code: an array index beside a call looks like a link. */
function proseOf(page: string): string {
  const text = readFileSync(join(repositoryRoot, page), 'utf8')
  return text.replaceAll(/^( *)```[\s\S]*?^\1```/gm, '').replaceAll(/`[^`\n]*`/g, '`')
}

/** Where the page points to within the repository: inline links, reference definitions, images. */
function linksOf(page: string): string[] {
  const found = proseOf(page).matchAll(/\]\(<?([^\s)>]+)|^ *\[[^\]]+\]: *(\S+)|(?:src|href)="([^"]+)"/gm)
  return [...found]
    .map(([, inline, reference, html]) => inline ?? reference ?? html ?? '')
    .filter((target) => !/^[a-z]+:/.test(target))
}

/** The anchors that GitHub makes of the headings. */
function anchorsOf(page: string): Set<string> {
  const text = readFileSync(join(repositoryRoot, page), 'utf8').replaceAll(/^( *)```[\s\S]*?^\1```/gm, '')
  const headings = [...text.matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, heading]) => heading ?? '')
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

test.each(pages)('%s links to what is there - a reader who meets a dead end does not come back', (page) => {
  const dead = linksOf(page).filter((target) => {
    const [path = '', anchor] = decodeURI(target).split('#')
    const file = path === '' ? page : join(dirname(page), path)
    if (!existsSync(join(repositoryRoot, file))) return true
    return anchor !== undefined && file.endsWith('.md') && !anchorsOf(file).has(anchor)
  })
  expect(dead).toEqual([])
})

test('every published package has a page of its own where its package.json promises one', () => {
  const promising = listFiles(repositoryRoot).filter((file) => {
    if (!/^packages\/[^/]+\/package\.json$/.test(file)) return false
    return readFileSync(join(repositoryRoot, file), 'utf8').includes('"README.md"')
  })
  expect(
    promising.map((file) => join(dirname(file), 'README.md')).filter((file) => !pages.includes(file)),
  ).toEqual([])
})
