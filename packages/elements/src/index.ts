/** Custom elements that show streams. Importing this defines them all. */
import './stream-chat.ts'
import './stream-text.ts'

export { configure, type PageSettings } from './base/settings.ts'
export { StreamChat } from './chat/stream-chat.ts'
export { StreamText } from './text/stream-text.ts'
