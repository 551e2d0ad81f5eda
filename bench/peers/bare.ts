// The ceiling: a `node:http` server that does what every ingest endpoint must do, and stores nothing. It reads the
// body, parses it as JSON, and answers. What a store and a fold cost is the distance to this.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const answer = '{"received":true}'

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    JSON.parse(Buffer.concat(chunks).toString('utf8'))
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': answer.length })
    response.end(answer)
  })
})

server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
// The bench ends its peers; should the bench itself be killed, they end by themselves.
process.once('disconnect', () => process.exit(0))
