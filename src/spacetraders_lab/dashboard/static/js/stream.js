// Follows one view of the server's. The browser reconnects by itself and says what it has seen last.

const link = document.getElementById("link");
const trouble = document.getElementById("trouble");

/** Call `onView` with every new view of that name until the returned function is called; `onGone` when there is none. */
export function follow(name, onView, onGone) {
  const source = new EventSource(`/api/events/${name}`);
  say("connecting");
  source.onopen = () => say("live");
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) lookUp(name, onGone);
    else say("reconnecting");
  };
  source.addEventListener("view", (event) => {
    say("live");
    onView(JSON.parse(event.data));
  });
  source.addEventListener("trouble", (event) => complain(event.data));
  source.addEventListener("gone", (event) => {
    source.close();
    onGone(event.data);
  });
  return () => {
    source.close();
    complain("");
  };
}

async function lookUp(name, onGone) {
  say("closed");
  const answer = await fetch(`/api/views/${name}`).catch(() => null);
  if (answer && !answer.ok) onGone((await answer.json()).error);
}

function say(state) {
  link.dataset.state = state;
  if (link.textContent !== state) link.textContent = state;
}

function complain(text) {
  trouble.hidden = !text;
  trouble.textContent = text;
}
