import type { DestinationConfig, DestinationOptions } from '../config.ts'

export interface EmailSettings {
  /** The mail server that takes the messages (SMTP submission). */
  host: string | undefined
  /** 587 by default, 465 with `secure`. */
  port?: number
  /** TLS from the first byte, as on port 465; false (the default) begins plain and then must upgrade by STARTTLS. */
  secure?: boolean
  user?: string | undefined
  password?: string | undefined
  /** `calls@example.com`, or `Calls <calls@example.com>` */
  from: string | undefined
  /** One address, several with commas between them, or a list. */
  to: string | string[] | undefined
  /** What every message is called; by default what happened, with the agent and the duration. */
  subject?: string
  /** The domain within Message-IDs; that of `from` by default. */
  domain?: string
}

/** What a template returns: the plain text, or the parts of the message. */
export type EmailContent = string | { subject?: string; text: string; html?: string }

/**
 * A destination that sends e-mail.
 *
 * @example
 * email({
 *   name: 'digest',
 *   events: ['call.ended'],
 *   settings: {
 *     host: 'smtp.example.com',
 *     user: 'calls@example.com',
 *     password: process.env.SMTP_PASSWORD,
 *     from: 'Calls <calls@example.com>',
 *     to: ['ops@example.com'],
 *   },
 * })
 */
export function email(options: DestinationOptions<EmailSettings, EmailContent>): DestinationConfig {
  return { kind: 'email', ...options }
}
