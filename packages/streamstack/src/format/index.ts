export { type FormatName, chooseFormat, contentTypeOf, encoderOf } from './choose-format.ts'
export { JsonResult } from './json-result.ts'
export { encodeBatch } from './shared-encoding.ts'
export { encodeSelected } from './selected-encoding.ts'
