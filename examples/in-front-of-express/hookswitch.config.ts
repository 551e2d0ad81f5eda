import { defineConfig, webhook } from 'hookswitch'

export default defineConfig({
  destinations: [
    webhook({
      name: 'app',
      settings: {
        url: process.env['APP_URL'] ?? 'http://127.0.0.1:3000/calls',
        signingSecrets: [process.env['SIGNING_SECRET']],
      },
    }),
  ],
})
