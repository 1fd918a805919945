// The line to the server: deeds go out as requests, what happens comes in as events.

export class Refused extends Error {
  constructor(code, message) {
    super(message || code);
    this.code = code;
  }
}

async function answered(request) {
  let response;
  try {
    response = await request;
  } catch {
    throw new Refused("offline");
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(body.error || "refused", body.message);
  return body;
}

export function act(deed, wish) {
  const headers = { "Content-Type": "application/json" };
  return answered(fetch(`/do/${deed}`, { method: "POST", headers, body: JSON.stringify(wish) }));
}

export function upload(fields, files) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== null && value !== undefined) form.append(name, value);
  }
  for (const file of files) form.append("file", file, file.name || "picture");
  return answered(fetch("/do/upload", { method: "POST", body: form }));
}

// Events of a person; EventSource takes up a broken line by itself, from where it broke.
export function listen(person, hear, lost) {
  const source = new EventSource(`/events?person=${person}`);
  source.onmessage = (event) => hear(JSON.parse(event.data));
  source.onopen = () => lost(false);
  source.onerror = () => lost(true, source.readyState === EventSource.CLOSED);
  return () => source.close();
}
