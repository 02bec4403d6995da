// What the site allows, written down once more and without blobvalet: a table of containers, and who may do what there.
const kOpen = 'drop';
const kOwn = 'uploads';
/// A container that the configuration grants at times.
export const kSometimes = 'sometimes';
export const kContainers = [kOwn, kOpen, kSometimes, 'private'];

const kMethods = { PUT: 'cw', DELETE: 'd' };
/// Short, so that a key's rotation, which waits for them, ends soon.
export const kLifetimeSeconds = 20;

/// blobvalet's own rules for these accounts; `sometimes` adds the one that comes and goes.
export const rulesFor = (accounts, sometimes) => accounts.flatMap(({ name, sas }) => [
  { name: `own-${name}`, account: name, container: kOwn, blobs: ['{user}/**'], methods: ['PUT', 'DELETE'], sas },
  { name: `drop-${name}`, account: name, container: kOpen, blobs: ['**'], methods: ['PUT', 'DELETE'], anonymous: true, sas },
  ...(sometimes ? [{ name: `sometimes-${name}`, account: name, container: kSometimes, blobs: ['**'], methods: ['PUT'], anonymous: true, sas }] : []),
]);

/// `yes`, `no`, or `sometimes`.
export function verdictOn({ user, container, name, method }) {
  if (!(method in kMethods) || !isSoundName(name)) return 'no';
  if (container === kOpen) return 'yes';
  if (container === kSometimes) return method === 'PUT' ? 'sometimes' : 'no';
  return container === kOwn && user && name.startsWith(`${user}/`) && name.length > user.length + 1 ? 'yes' : 'no';
}

export const permissionsOf = (method) => kMethods[method];

const isSoundName = (name) => !name.includes('\\') && !/[\x00-\x1f]/.test(name)
  && name.split('/').every((segment) => !['', '.', '..', '%2e%2e'].includes(segment.toLowerCase()));

/// A request for a signature that somebody might make, allowed or not.
export function drawRequest(random, accounts) {
  const users = ['alice', 'bob', 'carol'];
  const user = random.pick([...users, null]);
  const leaf = `f${random.int(1e9)} ${random.pick(['a', 'ü', '見本', '🦀', '%41', '+&=#?', "'x'"])}.bin`;
  const name = random.pick([
    () => `${user ?? 'alice'}/${leaf}`, () => `${user ?? 'alice'}/${leaf}`, () => `${random.pick(users)}/${leaf}`, () => leaf,
    () => `${user}x/${leaf}`, () => `${user ?? 'bob'}/../${random.pick(users)}/${leaf}`, () => `${user}//${leaf}`,
    () => `${user}\\${leaf}`, () => `${user}/%2e%2e/${leaf}`,
  ])();
  return {
    user, name, account: random.pick(accounts), container: random.pick(kContainers),
    method: random.pick(['PUT', 'PUT', 'PUT', 'DELETE', 'GET', 'put']),
  };
}
