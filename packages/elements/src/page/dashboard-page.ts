/** The script of the page at `/dashboards/<name>`: shows the dashboard of its address, and asks for a token where the server wants one. */
import type { StreamDashboard } from '../dashboard/stream-dashboard.ts'

/** Kept until the tab is closed; a token does not belong in the address. */
const KEY = 'streamstack-token'

const dashboard = document.querySelector<StreamDashboard>('stream-dashboard')
const main = document.querySelector('main')

function show(): void {
  if (dashboard === null || main === null) return
  const token = sessionStorage.getItem(KEY)
  main.replaceChildren(dashboard)
  dashboard.token = token
  dashboard.src = location.pathname
  void dashboard.load()
}

function ask(message: string): void {
  const form = document.createElement('form')
  const title = document.createElement('h1')
  title.textContent = 'This dashboard wants a token'
  const why = document.createElement('p')
  why.textContent = 'Paste one with the scope system:read, such as that of: npx streamstack token --scope system:read'
  const label = document.createElement('label')
  label.textContent = 'Token'
  const input = document.createElement('input')
  input.type = 'password'
  input.autocomplete = 'off'
  input.required = true
  label.append(input)
  const button = document.createElement('button')
  button.textContent = 'Show'
  const problem = document.createElement('p')
  problem.setAttribute('role', 'alert')
  problem.textContent = sessionStorage.getItem(KEY) === null ? '' : message
  form.append(title, why, label, button, problem)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    sessionStorage.setItem(KEY, input.value.trim())
    show()
  })
  main?.replaceChildren(form)
  input.focus()
}

dashboard?.addEventListener('dashboard-error', (event) => {
  const { status, message } = (event as CustomEvent<{ status: number | null; message: string }>).detail
  if (status === 401 || status === 403) ask(message)
})
dashboard?.addEventListener('dashboard-load', () => {
  if (dashboard.description !== null) document.title = dashboard.description.title
})
show()
