// Small comforts; every page works without them. Loaded in the head, so that the first paint has the right colours.
const dark = matchMedia('(prefers-color-scheme: dark)');
const paint = () => document.documentElement.setAttribute('data-bs-theme', dark.matches ? 'dark' : 'light');
dark.addEventListener('change', paint);
paint();

document.addEventListener('DOMContentLoaded', () => {
  // A select that only wants to be sent.
  for (const select of document.querySelectorAll('select[data-send]')) {
    select.addEventListener('change', () => select.form.requestSubmit());
  }
  // Copying what stands in another element.
  for (const button of document.querySelectorAll('button[data-copy]')) {
    button.hidden = false;
    button.addEventListener('click', async () => {
      const label = button.textContent;
      try {
        await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
        button.textContent = 'Copied';
      } catch {
        button.textContent = 'Select and copy it by hand';
      }
      setTimeout(() => (button.textContent = label), 2000);
    });
  }
  // Empty fields need not be in the address; the server would leave them out too, by one more trip.
  for (const form of document.querySelectorAll('form[data-lean]')) {
    form.addEventListener('formdata', ({ formData }) => {
      for (const [name, value] of [...formData]) {
        const idle = name.startsWith('o.') && !formData.get(`v.${name.slice(2)}`) && !('alone' in form.elements[name].selectedOptions[0].dataset);
        const usual = name === 'size' && value === '10';
        if (value === '' || idle || usual) formData.delete(name);
      }
    });
  }
  // What is typed goes on as values that there are; the newest answer is the one that counts.
  for (const box of document.querySelectorAll('input[data-complete]')) {
    let waiting;
    let asking;
    box.addEventListener('input', ({ inputType }) => {
      clearTimeout(waiting);
      asking?.abort();
      // a value that was chosen is complete
      if (!inputType || inputType === 'insertReplacementText' || !box.value.trim()) return;
      waiting = setTimeout(async () => {
        asking = new AbortController();
        try {
          const answer = await fetch(`${box.dataset.complete}?q=${encodeURIComponent(box.value)}`, { signal: asking.signal });
          if (!answer.ok) return;
          const { values } = await answer.json();
          box.list.replaceChildren(...values.map(({ text }) => Object.assign(document.createElement('option'), { value: text })));
        } catch {
          // another letter came, or the server is gone: the box is still a box
        }
      }, 120);
    });
  }
  // Filters stand beside the hits where there is room.
  const wide = matchMedia('(min-width: 992px)');
  for (const filters of document.querySelectorAll('details.filters')) {
    filters.open = wide.matches;
    wide.addEventListener('change', () => (filters.open = wide.matches));
  }
  // "/" goes to the search box, as people expect.
  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest?.('input, textarea, select, [contenteditable]');
    if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) {
      const box = document.querySelector('input[type=search]');
      if (box) {
        event.preventDefault();
        box.focus();
        box.select();
      }
    }
  });
});
