import { Rejected, Retryable, type HandlerContext } from 'hookswitch'

/** What this agent's calls come to. A field that did not come has no key; one that the caller left open is null. */
interface Outcome {
  application_id?: string
  expectedSalary?: string | null
  noticePeriod?: string | null
}

/** Writes a call to its contact in the CRM. */
export async function saveCall({
  event,
  call,
  outcome,
  signal,
  log,
}: HandlerContext<Outcome>): Promise<void> {
  const { application_id: contact, expectedSalary, noticePeriod } = outcome
  // Waiting changes nothing about it, so it is given up at once.
  if (contact === undefined) throw new Rejected('the outcome has no application_id')

  // An event may come again. With its id in the path that writes the same row once more.
  const url = `${process.env['CRM_URL']}/contacts/${encodeURIComponent(contact)}/calls/${event.id}`
  const response = await fetch(url, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${process.env['CRM_TOKEN']}` },
    body: JSON.stringify({
      endedAt: call.endedAt,
      durationSeconds: call.durationSeconds,
      transcript: call.transcriptText,
      // What did not come is left out and changes nothing there; null is written as null.
      expectedSalary,
      noticePeriod,
    }),
    // Ends the request at the deadline, or when the server stops.
    signal,
  })
  if (response.status === 404) throw new Rejected('the CRM has no such contact')
  if (response.status === 429 || response.status === 503) {
    throw new Retryable(`the CRM answered ${response.status}`, {
      afterSeconds: Number(response.headers.get('retry-after') ?? 60),
    })
  }
  // Anything else that is thrown is tried again by the destination's retry policy.
  if (!response.ok) throw new Error(`the CRM answered ${response.status}`)
  log.info('saved in the CRM', { durationSeconds: call.durationSeconds })
}
