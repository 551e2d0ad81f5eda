/**
 * Slack's mrkdwn: without these three nothing in a text can be a mention (`<!channel>`, `<@U…>`) or a link.
 * https://docs.slack.dev/messaging/formatting-message-text
 */
export function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Discord's Markdown, its mentions (`@everyone`, `<@1>`, `<#1>`), and links that hide where they lead. */
export function escapeDiscord(text: string): string {
  return text.replaceAll(/[\\*_~`|<>@#[\]()]/g, '\\$&')
}

/** HTML text and attribute values in double quotes. */
export function escapeHtml(text: string): string {
  return escapeMrkdwn(text).replaceAll('"', '&quot;').replaceAll("'", '&#39;')
}
