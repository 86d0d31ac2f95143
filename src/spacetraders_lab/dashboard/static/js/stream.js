// Follows one view of the server's. The browser reconnects by itself and says what it has seen last.

const link = document.getElementById("link");
const trouble = document.getElementById("trouble");
const RETRY_AFTER = 3000; // milliseconds, where the browser does not try again by itself
let [lastHeard, isLost] = [null, false];

/**
 * Call `onView` with every new view of that name until the returned function is called; `onGone` when there is none.
 *
 * A tab that nobody sees follows nothing: a browser keeps no more than six connections to one server open, all its tabs
 * together.
 */
export function follow(name, onView, onGone) {
  let [source, again] = [null, null];
  const open = () => {
    source = new EventSource(`/api/events/${name}`);
    say("connecting");
    source.onopen = () => say("live");
    source.onerror = () => {
      say("reconnecting");
      if (source.readyState === EventSource.CLOSED) lookUp();
    };
    source.addEventListener("view", (event) => {
      say("live");
      onView(JSON.parse(event.data));
    });
    source.addEventListener("trouble", (event) => complain(event.data));
    source.addEventListener("gone", (event) => {
      leave();
      onGone(event.data);
    });
  };
  const lookUp = async () => {
    const answer = await fetch(`/api/views/${name}`).catch(() => null);
    if (answer?.status === 404) {
      leave();
      onGone((await answer.json()).error);
    } else if (source) again = setTimeout(seen, RETRY_AFTER);
  };
  const close = () => {
    clearTimeout(again);
    source?.close();
    source = null;
  };
  const seen = () => {
    close();
    if (!document.hidden) open();
  };
  const leave = () => {
    document.removeEventListener("visibilitychange", seen);
    close();
    isLost = false;
    complain("");
  };
  document.addEventListener("visibilitychange", seen);
  seen();
  return leave;
}

/** Say how the page stands to its server; where it does not answer, what to do. */
function say(state) {
  if (state === "live") {
    lastHeard = new Date();
    if (isLost) complain("");
    isLost = false;
  } else if (state === "reconnecting" && !isLost) {
    isLost = true;
    const since = lastHeard ? ` What is shown is of ${lastHeard.toLocaleTimeString("en-GB")}.` : "";
    complain(`The dashboard does not answer. See that it still runs (spacetraders dashboard); this page finds it again by itself.${since}`);
  }
  link.dataset.state = state;
  if (link.textContent !== state) link.textContent = state;
}

function complain(text) {
  trouble.hidden = !text;
  trouble.textContent = text;
}
