import { define } from './base/define.ts'
import { StreamChat } from './chat/stream-chat.ts'

define('stream-chat', StreamChat)
export { StreamChat }
