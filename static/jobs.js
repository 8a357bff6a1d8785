// The pages of jobs move as the jobs do. Numbers are put where they stand; where more has changed than numbers, the page is asked
// for again and its list takes the place of the old one.
const list = () => document.getElementById('jobs');
const only = list()?.dataset.only;
let due = null;

const renew = async () => {
  due = null;
  try {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('jobs');
    const focused = document.activeElement?.id;
    if (!fresh) return;
    list().replaceWith(document.adoptNode(fresh));
    if (focused) document.getElementById(focused)?.focus();
  } catch {
    // the server is away; the stream begins again by itself and tells
  }
};

const part = (row, name, text) => {
  const place = row.querySelector(`[data-part=${name}]`);
  if (place) place.textContent = text;
};

const number = (value) => value.toLocaleString('en').replaceAll(',', '\u202f');

const show = (job) => {
  const row = list().querySelector(`[data-job="${CSS.escape(job.id)}"]`);
  const moved = !row || row.dataset.state !== job.state || (job.of !== null && !row.querySelector('progress'));
  if (moved || only) due ??= setTimeout(renew, only ? 500 : 150);
  if (moved) return;
  const bar = row.querySelector('progress');
  if (bar && job.of) bar.value = (1000 * job.done) / job.of;
  part(row, 'progress', `${number(job.done)}${job.of === null ? '' : ` of ${number(job.of)}`} ${job.unit}`);
  const left = job.secondsLeft === null ? '' : `, ${Math.round(job.secondsLeft)} s left`;
  part(row, 'left', job.state === 'RUNNING' && job.rate !== null ? `${Math.round(job.rate)} a second${left}` : '');
};

// an older page of the list stands still
if (list() && !('still' in list().dataset)) {
  const stream = new EventSource(only ? `/v1/jobs/${only}/events` : '/v1/jobs/events');
  stream.addEventListener('job', ({ data }) => show(JSON.parse(data)));
  stream.addEventListener('end', () => {
    // of one job: it has come to its end. Of the list: the server stops, and the browser asks again when it is back
    if (only) stream.close();
  });
}
