import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { z } from 'zod'
import type { DestinationKind } from '../kind.ts'
import { contentProblem } from '../message/content-problem.ts'
import { settingsObject } from '../settings-object.ts'
import { composeMail, type Sender } from './compose-mail.ts'
import { createMailer, type MailServer } from './mailer.ts'
import { inUrl } from './smtp-socket.ts'

const expectedHost = 'the name or address of a mail server, such as smtp.example.com'
const expectedPort = 'a port, 1 to 65535'
const expectedFlag = 'true or false'
const expectedUser = 'the user name of the mail account'
const expectedPassword = 'the password of the mail account'
const expectedAddress = 'an address such as ops@example.com, or Name <ops@example.com>'
const expectedTo = `${expectedAddress}; several with commas between them, or a list, at most 50`
const expectedSubject = 'a text of one line, at most 200 characters'
const expectedDomain = 'a domain such as example.com'

/** Nothing that ends a header or begins another address is in it. */
const bareAddress = String.raw`[^\s<>@,;:"()\\\p{Cc}]+@[^\s<>@,;:"()\\\p{Cc}]+`
const oneAddress = new RegExp(String.raw`^(?:${bareAddress}|[^<>@,;:"()\\\p{Cc}]*<${bareAddress}>)$`, 'u')
const recipientsMax = 50

const address = z.string(expectedAddress).trim().max(320, expectedAddress).regex(oneAddress, expectedAddress)
const isRecipientList = (list: readonly string[]) =>
  list.length > 0 && list.length <= recipientsMax && list.every((one) => address.safeParse(one).success)

const settings = settingsObject({
  host: z
    .string(expectedHost)
    .refine((host) => isIP(host) !== 0 || /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$/.test(host), expectedHost),
  port: z.int(expectedPort).min(1, expectedPort).max(65_535, expectedPort).exactOptional(),
  secure: z.boolean(expectedFlag).exactOptional(),
  user: z.string(expectedUser).min(1, expectedUser).max(320, expectedUser).exactOptional(),
  password: z.string(expectedPassword).min(1, expectedPassword).max(1000, expectedPassword).exactOptional(),
  from: address,
  to: z
    .union([z.string(), z.array(z.string())], expectedTo)
    .refine((to) => isRecipientList(recipients(to)), expectedTo),
  subject: z
    .string(expectedSubject)
    .regex(/^\P{Cc}{1,200}$/u, expectedSubject)
    .exactOptional(),
  domain: z
    .string(expectedDomain)
    .regex(/^[A-Za-z0-9.-]{1,253}$/, expectedDomain)
    .exactOptional(),
}).superRefine(({ user, password }, context) => {
  const expect = (setting: string, message: string) =>
    context.addIssue({ code: 'custom', path: [setting], message })
  if (user !== undefined && password === undefined)
    expect('password', `${expectedPassword}, as there is a user`)
  if (user === undefined && password !== undefined) expect('user', `${expectedUser}, as there is a password`)
})

/** A message by SMTP. */
export const emailKind: DestinationKind<z.output<typeof settings>> = {
  name: 'email',
  title: 'E-mail',
  help: [
    'Take host, port, user and password from what your mail provider says of "SMTP" or "sending from applications".',
    'Port 587 with STARTTLS is the default; for port 465 set secure to true.',
    'With two-factor login the provider gives you an "app password" for this.',
    'Set from to an address that the account may send as, and to to whoever reads the calls.',
    "The connection must be encrypted with a valid certificate, unless the server's address is in",
    'HOOKSWITCH_EGRESS_ALLOW, as for a relay on the same machine.',
    'Subscribe to call.ended alone, or every event of a call becomes a message; those of one call form one thread.',
  ].join('\n'),
  settings,
  secrets: ['password'],
  template: 'the plain text, or { subject, text, html }: html is sent as it is, so escape what callers say',

  reads: () => 'call',

  async check(set, { egress }) {
    const { host, port } = serverOf(set)
    const problem = await egress.check(`https://${inUrl(host)}:${port}`)
    return problem === null ? null : { setting: 'host', problem }
  },

  open(set, { name, egress, publicUrl }) {
    const mailer = createMailer(serverOf(set), egress)
    const sender: Sender = {
      destination: name,
      from: set.from,
      to: recipients(set.to),
      subject: set.subject ?? null,
      domain: set.domain ?? domainOf(set.from),
      publicUrl,
    }
    return {
      async send(message, signal) {
        const { mail, problem } = composeMail(message, sender)
        return mail === null ? contentProblem(problem) : mailer.send(mail, signal)
      },
      close: () => mailer.close(),
    }
  },
}

/** The customary ports: 465 speaks TLS at once, 587 upgrades to it. */
function serverOf({ host, port, secure, user, password }: z.output<typeof settings>): MailServer {
  const tlsAtOnce = secure ?? port === 465
  const login = user === undefined || password === undefined ? null : { user, password }
  return { host, port: port ?? (tlsAtOnce ? 465 : 587), secure: tlsAtOnce, login }
}

function recipients(to: string | readonly string[]): string[] {
  return typeof to === 'string' ? to.split(',').map((one) => one.trim()) : [...to]
}

/** Of `calls@example.com` and of `Calls <calls@example.com>`, as mail programs of all ages read it. */
function domainOf(from: string): string {
  return domainToASCII(from.slice(from.lastIndexOf('@') + 1).replace(/>\s*$/, ''))
}
