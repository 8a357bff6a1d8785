// The plain playground: sends what is written and shows the answer beneath.
document.addEventListener('DOMContentLoaded', () => {
  const form = document.getElementById('console');
  const answer = document.getElementById('answer');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    answer.hidden = false;
    const variables = form.elements.variables.value.trim();
    try {
      const response = await fetch('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json, application/json' },
        body: JSON.stringify({ query: form.elements.query.value, variables: variables ? JSON.parse(variables) : undefined }),
      });
      answer.textContent = JSON.stringify(await response.json(), null, 2);
    } catch (fault) {
      answer.textContent = String(fault);
    }
  });
});
