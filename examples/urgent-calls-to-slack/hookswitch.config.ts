import { defineConfig, slack } from 'hookswitch'

export default defineConfig({
  // What the agent collects. With it "no", "false" and "لا" become the boolean that the filter asks for.
  agents: {
    'agent-123': {
      outcome: {
        type: 'object',
        properties: { priority: { type: 'string' }, resolved: { type: 'boolean' } },
      },
    },
  },
  destinations: [
    slack({
      name: 'urgent-calls',
      events: ['call.ended'],
      // Not `!outcome.resolved`: that is true as well for every agent that has no such field, and where the caller
      // did not say.
      filter: ({ outcome }) => outcome['priority'] === 'urgent' || outcome['resolved'] === false,
      // Slack takes about one message a second in a channel.
      limits: { perSecond: 1 },
      settings: { url: process.env['SLACK_URL'], message: 'urgent' },
    }),
  ],
})
