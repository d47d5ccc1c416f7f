import { MemoryLog } from './memory-log.ts'
import { streamLogContract } from './testing/log-contract.ts'

streamLogContract(() => new MemoryLog(8_000_000))
