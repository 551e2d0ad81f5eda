import { defineConfig, webhook } from 'hookswitch'

export default defineConfig({
  destinations: [
    webhook({
      name: 'app',
      // Sent as the platform sends it: Authorization: Bearer <secret>.
      settings: {
        url: process.env['APP_URL'] ?? 'http://127.0.0.1:5000/webhook',
        authKey: 'Bearer',
        authSecret: process.env['APP_SECRET'],
      },
    }),
  ],
})
