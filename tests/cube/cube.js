require('./without-addon');

module.exports = {
  // Says "Continue wait" after a second, so that tests need no query of five.
  orchestratorOptions: { continueWaitTimeout: 1 },
  scheduledRefreshContexts: async () => [{ securityContext: {} }],
  // Row security as teams write it: by what the token says of the person.
  queryRewrite: (query, { securityContext }) => {
    const city = securityContext?.attributes?.city;
    if (!city) return query;
    const filter = { member: 'shops.city', operator: 'equals', values: [city] };
    return { ...query, filters: [...(query.filters || []), filter] };
  },
};
