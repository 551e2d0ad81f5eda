import { parseSync, Visitor, type Node } from 'oxc-parser'

/** A place in a module, from 1. */
export interface Place {
  line: number
}

/** One mention of another module: `import`, `export … from`, `import()`, or the type `import('…').T`. */
export interface ModuleImport extends Place {
  specifier: string
  /** Where the specifier stands in the text, quotes included. */
  start: number
  end: number
}

export interface ModuleReading {
  imports: ModuleImport[]
  /** Reads of `process.env`, whatever is taken from it. */
  environmentReads: Place[]
  /** Paths that `new URL('…', import.meta.url)` names as plain text. */
  fileUrls: (Place & { path: string })[]
}

/** What a TypeScript or JavaScript module reaches for. Throws when the text does not parse. */
export function readModule(path: string, text: string): ModuleReading {
  const { module, program, errors } = parseSync(path, text)
  const [error] = errors
  if (error !== undefined) throw new SyntaxError(`${path}: ${error.message}`)

  const reading: ModuleReading = { imports: [], environmentReads: [], fileUrls: [] }
  const lineAt = lineCounter(text)
  const addImport = (specifier: string, { start, end }: { start: number; end: number }): void => {
    reading.imports.push({ specifier, start, end, line: lineAt(start) })
  }
  const addEnvironmentRead = (start: number): void => {
    reading.environmentReads.push({ line: lineAt(start) })
  }

  for (const { moduleRequest, entries, start } of module.staticImports) {
    addImport(moduleRequest.value, moduleRequest)
    const isProcess = /^(?:node:)?process$/.test(moduleRequest.value)
    if (isProcess && entries.some(({ importName }) => importName.name === 'env')) addEnvironmentRead(start)
  }
  for (const { entries } of module.staticExports) {
    const request = entries.find((entry) => entry.moduleRequest)?.moduleRequest
    if (request) addImport(request.value, request)
  }
  new Visitor({
    ImportExpression({ source }) {
      if (source.type === 'Literal' && typeof source.value === 'string') addImport(source.value, source)
    },
    TSImportType({ source }) {
      addImport(source.value, source)
    },
    MemberExpression({ object, property, start }) {
      if (isNamed(object, 'process') && isNamed(property, 'env')) addEnvironmentRead(start)
    },
    VariableDeclarator({ id, init, start }) {
      if (id.type !== 'ObjectPattern' || init === null || !isNamed(init, 'process')) return
      const takesEnvironment = id.properties.some(
        (property) => property.type === 'Property' && isNamed(property.key, 'env'),
      )
      if (takesEnvironment) addEnvironmentRead(start)
    },
    NewExpression({ callee, arguments: [argument, base], start }) {
      const isHere = base !== undefined && text.slice(base.start, base.end) === 'import.meta.url'
      if (!isHere || !isNamed(callee, 'URL')) return
      if (argument?.type === 'Literal' && typeof argument.value === 'string') {
        reading.fileUrls.push({ path: argument.value, line: lineAt(start) })
      }
    },
  }).visit(program)
  reading.imports.sort((a, b) => a.start - b.start)
  return reading
}

/** `name` as it stands, or quoted in brackets. */
function isNamed(node: Node, name: string): boolean {
  return node.type === 'Identifier' ? node.name === name : node.type === 'Literal' && node.value === name
}

function lineCounter(text: string): (offset: number) => number {
  return (offset) => text.slice(0, offset).split('\n').length
}
