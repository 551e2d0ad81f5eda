import { createHash } from 'node:crypto'
import type { Message } from '../kind.ts'
import { pictureCall, testPrefix } from '../message/call-picture.ts'
import { shownKind } from '../message/content-problem.ts'
import { cutText } from '../message/cut-text.ts'
import { escapeHtml } from '../message/escape-text.ts'
import { oneLine, plainText } from '../message/plain-text.ts'
import { callMail } from './call-mail.ts'
import type { Mail } from './mailer.ts'

/** Who a destination writes as, and to whom. */
export interface Sender {
  /** The destination's name. */
  destination: string
  from: string
  to: string[]
  /** Null: the title of the call. */
  subject: string | null
  /** Within Message-IDs. */
  domain: string
  publicUrl: string | null
}

export type MailReading = { mail: Mail; problem: null } | { mail: null; problem: string }

/** A subject longer than this is cut by whoever shows it. UTF-16 units. */
const subjectMax = 200
/** Of either body that a template made, UTF-16 units. Mail servers take 10 MB and more. */
const bodyMax = 2 * 1024 * 1024

/** The message to send: what the template returned, else the call's summary. */
export function composeMail(message: Message, sender: Sender): MailReading {
  const { content, test, event, eventId, deliveryId } = message
  const picture = pictureCall(message, sender.publicUrl)
  const parts: Parts = content === undefined ? callMail(picture) : partsOf(content)
  const { text, html, subject = sender.subject } = parts
  if (typeof text !== 'string' || text.trim() === '') {
    return unusable(`${shownKind(content)} without a text, expected the text or { subject, text, html }`)
  }
  if (html !== undefined && typeof html !== 'string')
    return unusable(`html that is ${shownKind(html)}, expected a text`)
  if (subject !== null && typeof subject !== 'string') {
    return unusable(`a subject that is ${shownKind(subject)}, expected a text`)
  }
  if (text.length > bodyMax || (html ?? '').length > bodyMax) {
    return unusable(`a text or html of over ${bodyMax} characters`)
  }

  // What the template wrote does not say that it is a sample.
  const mark = test && content !== undefined ? testPrefix : ''
  const title = subject === null ? picture.title : `${test ? testPrefix : ''}${subject}`
  const mail = {
    from: sender.from,
    to: sender.to,
    subject: cutText(oneLine(title), subjectMax),
    text: mark + plainText(text),
    html: html === undefined ? null : `${mark === '' ? '' : `<p>${escapeHtml(mark)}</p>`}${plainText(html)}`,
    // The only hint against doubles that mail knows: the same in every try and in every replay.
    messageId: `<${eventId}.${sender.destination}@${sender.domain}>`,
    // No message has this id; that all messages of a call refer to it makes them one thread.
    threadId: `<${createHash('sha256').update(event.callId).digest('hex').slice(0, 32)}@${sender.domain}>`,
    deliveryId,
  }
  return { mail, problem: null }
}

interface Parts {
  subject?: unknown
  text?: unknown
  html?: unknown
}

function partsOf(content: unknown): Parts {
  if (typeof content === 'string') return { text: content }
  return typeof content === 'object' && content !== null ? content : {}
}

function unusable(problem: string): MailReading {
  return { mail: null, problem }
}
