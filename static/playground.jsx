// The playground: GraphiQL on /graphql, all from this binary. What it starts with stands in the page's data attributes.
import 'graphiql/style.css';
import './playground.css';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { GraphiQL } from 'graphiql';

const root = document.getElementById('playground');

// Workers are files of their own beside this one; build.mjs puts their names into the page.
globalThis.MonacoEnvironment = {
  getWorker(_id, label) {
    const address = root.dataset[`worker${label[0].toUpperCase()}${label.slice(1)}`] ?? root.dataset.workerEditor;
    return new Worker(address, { type: 'module', name: label });
  },
};

// One document; or, for a subscription, its answers as they come.
async function fetcher({ query, variables, operationName }, { headers } = {}) {
  const abort = new AbortController();
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: {
      ...headers,
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json;q=0.9, text/event-stream;q=0.5',
    },
    body: JSON.stringify({ query, variables, operationName }),
    signal: abort.signal,
  });
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return response.json();
  return answers(response.body.pipeThrough(new TextDecoderStream()).getReader(), abort);
}

function answers(reader, abort) {
  const over = { done: true, value: undefined };
  let text = '';
  return {
    async next() {
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end < 0) {
          const part = await reader.read().catch((fault) => {
            if (abort.signal.aborted) return over;
            throw fault;
          });
          if (part.done) return over;
          text += part.value;
          continue;
        }
        const [name, data] = text.slice(0, end).split('\ndata: ');
        text = text.slice(end + 2);
        if (name === 'event: next') return { done: false, value: JSON.parse(data) };
        if (name.startsWith('event: complete')) return over;
      }
    },
    // the button that stops it
    async return() {
      abort.abort();
      return over;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const initial = root.dataset.query;
createRoot(root).render(
  createElement(GraphiQL, {
    fetcher,
    // A query in the address goes before what was typed the last time.
    ...(root.dataset.linked === 'true' ? { initialQuery: initial } : {}),
    defaultQuery: initial,
    shouldPersistHeaders: false,
  }),
);
