import type { Recording } from './recording.ts'

/** Saves a run as a file that the console can open again. */
export function download(recording: Recording): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([JSON.stringify(recording)], { type: 'application/json' }))
  link.download = `${recording.run ?? 'run'}.run.json`
  link.click()
  URL.revokeObjectURL(link.href)
}
