export interface ConfigChoices {
  /** Name of the source; `hamsa` is the default one, at `/webhook`. */
  source: string
  auth: 'secret' | 'none'
  /** An agent whose outcome is described; null leaves that part as a comment. */
  agentId: string | null
}

/** A config file that says what may stand in it. What is commented out is not needed, and works when it is not. */
export function configText({ source, auth, agentId }: ConfigChoices): string {
  const path = source === 'hamsa' ? '/webhook' : `/webhook/${source}`
  return `import { defineConfig } from 'hookswitch'
// import { slack, webhook } from 'hookswitch'

// Read once, when the server starts. Everything here may be left out.
export default defineConfig({
  sources: {
    // Events come in at POST ${path}
    ${key(source)}: {
${auth === 'none' ? openSource : guardedSource(source)}

      // Only these addresses may send; without entries everybody may.
      // ipAllow: ['203.0.113.0/24'],

      // Bodies must also be signed as Standard Webhooks.
      // standardWebhooks: { secrets: [process.env['SIGNING_SECRET']] },

      // Larger bodies are refused with 413; 10 MiB by default and at most.
      // limits: { bodyBytesMax: 1024 * 1024 },
    },
  },

  // What is known about an agent, by its id: how its calls are shown.
  agents: {
${agentId === null ? commented(agent('agent-123')) : agent(agentId)}
  },

  // Where events go. "hookswitch destinations kinds" says what each kind needs, "hookswitch destinations test" tries one.
  destinations: [
    // Every call that has ended, to a server of yours; in order, and again until it is taken.
${commented(webhookDestination)}

    // The urgent ones, to the channel of Slack that an incoming webhook was made for.
${commented(slackDestination)}
  ],
})
`
}

const webhookDestination = `    webhook({
      name: 'crm',
      events: ['call.ended'],
      settings: {
        url: 'https://crm.example.com/hook',
        authKey: 'Bearer',
        authSecret: process.env['CRM_SECRET'],
      },
    }),`

const slackDestination = `    slack({
      name: 'urgent-calls',
      events: ['call.ended'],
      filter: ({ outcome }) => outcome['priority'] === 'urgent',
      settings: { url: process.env['SLACK_URL'] },
    }),`

const openSource = `      // No secret is asked for: whoever knows the address can send. Remove the line to ask for one.
      auth: 'none',`

function guardedSource(source: string): string {
  const variable = `${source.toUpperCase().replaceAll('-', '_')}_SECRET`
  const own =
    source === 'hamsa'
      ? `      // Secrets in addition to WEBHOOK_SECRET and to those that \`hookswitch tokens\` has made.`
      : `      // Secrets in addition to those that \`hookswitch tokens --source ${source}\` has made.`
  return `${own}
      // secrets: [process.env['${/^\d/.test(variable) ? `SOURCE_${variable}` : variable}']],

      // Asks for no secret, as the platform allows: whoever knows the address can then send.
      // auth: 'none',`
}

function key(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : quoted(name)
}

/** A JSON string is a JavaScript one as well, whatever is in it. */
function quoted(text: string): string {
  return /^[\w .:@-]+$/.test(text) ? `'${text}'` : JSON.stringify(text)
}

function agent(id: string): string {
  return `    ${quoted(id)}: {
      // Params that are sent along with each call and come back inside its outcome.
      echo: ['application_id'],
      // The agent's outcome as JSON Schema. Values are coerced to it; a field that did not come is shown as absent.
      outcome: {
        type: 'object',
        properties: {
          expectedSalary: { type: 'number' },
          noticePeriod: { type: 'string' },
        },
      },
    },`
}

function commented(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(/^ {4}/, '    // '))
    .join('\n')
}
