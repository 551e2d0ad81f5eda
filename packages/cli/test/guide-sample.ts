/** The body of the guide's cURL sample, word for word. */
export const guideSample = `{
"eventType": "call.ended",
"callId": "test-123",
"timestamp": "2024-01-15T14:35:00.000Z",
"data": {
"data": {
"conversationId": "conv-test",
"transcription": [],
"outcomeResult": {
"application_id": "12345"
}
}
}
}`
