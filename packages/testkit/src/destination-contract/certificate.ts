import { readFileSync } from 'node:fs'

/**
 * A certificate of its own making for `localhost`, `peer.example`, 127.0.0.1 and ::1, valid until 2126. Its key is in
 * the repository, so it must be trusted by tests only. Made with
 * `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=localhost
 * -addext subjectAltName=DNS:localhost,DNS:peer.example,IP:127.0.0.1,IP:::1`.
 */
export const testCertificate = {
  cert: readFileSync(new URL('./certificate/localhost.pem', import.meta.url), 'utf8'),
  key: readFileSync(new URL('./certificate/localhost-key.pem', import.meta.url), 'utf8'),
}
