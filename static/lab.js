// Runs an experiment where it stands, and shows how far it is. Without this script the same forms wait for their page.
for (const form of document.querySelectorAll('form[data-run]')) {
  const place = form.parentElement.querySelector('.outcome');
  const button = form.querySelector('button');
  let running = null;

  const tell = (text, kind) => {
    const box = document.createElement('div');
    box.className = `alert alert-${kind}`;
    box.setAttribute('role', 'alert');
    box.textContent = text;
    place.replaceChildren(box);
  };

  const run = async (signal) => {
    const bar = document.createElement('progress');
    const note = document.createElement('p');
    note.className = 'remark';
    place.replaceChildren(bar, note);
    const address = `${form.dataset.run}?${new URLSearchParams(new FormData(form))}`;
    const response = await fetch(address, { signal });
    if (!response.ok) {
      const problem = await response.json().catch(() => ({}));
      return tell(problem.detail ?? `The server answered with status ${response.status}.`, 'warning');
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return tell('The answer broke off.', 'warning');
      text += value;
      let end;
      while ((end = text.indexOf('\n')) >= 0) {
        const line = JSON.parse(text.slice(0, end));
        text = text.slice(end + 1);
        if (line.html !== undefined) {
          place.innerHTML = line.html;
          return undefined;
        }
        if (line.fault !== undefined) return tell(line.fault, 'warning');
        if (line.all > 0) {
          bar.max = line.all;
          bar.value = line.done;
        }
        note.textContent = `${line.all > 0 ? `${line.done} of ${line.all}, ` : ''}${line.elapsed.toFixed(1)} s`;
      }
    }
  };

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    // the button stops what it has started
    if (running) return running.abort();
    running = new AbortController();
    const label = button.textContent;
    button.textContent = 'Stop';
    try {
      await run(running.signal);
    } catch (fault) {
      tell(fault.name === 'AbortError' ? 'Stopped.' : 'The server cannot be reached.', fault.name === 'AbortError' ? 'secondary' : 'warning');
    } finally {
      running = null;
      button.textContent = label;
    }
    return undefined;
  });
}
