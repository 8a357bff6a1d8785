// The playground: GraphiQL on /graphql, all from this binary. What it starts with stands in the page's data attributes.
import 'graphiql/style.css';
import './playground.css';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { GraphiQL } from 'graphiql';
import { createGraphiQLFetcher } from '@graphiql/toolkit';

const root = document.getElementById('playground');

// Workers are files of their own beside this one; build.mjs puts their names into the page.
globalThis.MonacoEnvironment = {
  getWorker(_id, label) {
    const address = root.dataset[`worker${label[0].toUpperCase()}${label.slice(1)}`] ?? root.dataset.workerEditor;
    return new Worker(address, { type: 'module', name: label });
  },
};

const initial = root.dataset.query;
const fetcher = createGraphiQLFetcher({ url: '/graphql' });
createRoot(root).render(
  createElement(GraphiQL, {
    fetcher,
    // A query in the address goes before what was typed the last time.
    ...(root.dataset.linked === 'true' ? { initialQuery: initial } : {}),
    defaultQuery: initial,
    shouldPersistHeaders: false,
  }),
);
