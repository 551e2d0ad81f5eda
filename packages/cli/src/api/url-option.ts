import { InvalidArgumentError } from 'commander'

/** For an option: an absolute http or https URL without credentials, which `fetch` would refuse. */
export function urlOption(text: string): string {
  return checkedUrl(text, 'http://127.0.0.1:4000')
}

/** For an option: the same of a webhook, to which plain http goes only where the server allows it. */
export function webhookUrlOption(text: string): string {
  return checkedUrl(text, 'https://example.com/webhook')
}

/** For an option: the same of a server, to whose end the paths of the API are added. */
export function serverUrlOption(text: string): string {
  const { search, hash } = new URL(urlOption(text))
  if (search !== '' || hash !== '')
    throw new InvalidArgumentError('Expected a URL without query or fragment.')
  return text
}

function checkedUrl(text: string, example: string): string {
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new InvalidArgumentError(`Expected a URL such as ${example}.`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError('A URL with a user or a password in it is not supported.')
  }
  return text
}
