export { type ContentCoding, contentCodings, decodeWhole, readContentCoding } from './decode-whole.ts'
export { ACCEPTED_CODINGS, contentDecoders } from './stream-decoders.ts'
