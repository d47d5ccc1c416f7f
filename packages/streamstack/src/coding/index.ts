export { BytePieces } from './byte-pieces.ts'
export { type ContentCoding, contentCodings, decodeWhole, readContentCoding } from './decode-whole.ts'
export { ACCEPTED_CODINGS, contentDecoders } from './stream-decoders.ts'
