/** The words of the embedded model's world: 10 domains × 4 objects × 12 verbs = 480 tools. Every word is one token. */

/** Canonical verb (in tool names) → the words a question may use for it. */
export const VERBS: Readonly<Record<string, readonly string[]>> = {
  book: ['book', 'reserve'],
  cancel: ['cancel', 'drop'],
  find: ['find', 'search'],
  get: ['get', 'show'],
  create: ['create', 'make'],
  delete: ['delete', 'remove'],
  update: ['update', 'change'],
  track: ['track', 'follow'],
  send: ['send', 'deliver'],
  check: ['check', 'verify'],
  list: ['list', 'print'],
  start: ['start', 'launch'],
};

/** Verbs whose tools take the object's first parameter only; the others take the first two. */
export const ONE_PARAMETER_VERBS: ReadonlySet<string> = new Set([
  'cancel',
  'get',
  'delete',
  'track',
  'check',
]);

/** Domain → object → its two parameters. Object names are unique across domains. */
export const DOMAINS: Readonly<Record<string, Readonly<Record<string, readonly [string, string]>>>> = {
  travel: {
    flight: ['city', 'day'],
    hotel: ['city', 'nights'],
    train: ['city', 'hour'],
    cruise: ['port', 'nights'],
  },
  weather: {
    forecast: ['city', 'day'],
    alert: ['city', 'level'],
    humidity: ['city', 'hour'],
    wind: ['city', 'height'],
  },
  finance: {
    stock: ['company', 'shares'],
    loan: ['amount', 'years'],
    invoice: ['client', 'amount'],
    budget: ['amount', 'month'],
  },
  scheduling: {
    meeting: ['person', 'day'],
    reminder: ['topic', 'day'],
    event: ['topic', 'city'],
    desk: ['building', 'seats'],
  },
  retail: {
    order: ['product', 'quantity'],
    coupon: ['percent', 'brand'],
    cart: ['product', 'price'],
    review: ['product', 'stars'],
  },
  iot: {
    lamp: ['room', 'percent'],
    heater: ['room', 'degrees'],
    camera: ['room', 'minutes'],
    speaker: ['room', 'level'],
  },
  communication: {
    message: ['person', 'topic'],
    email: ['person', 'day'],
    call: ['person', 'hour'],
    group: ['topic', 'members'],
  },
  food: {
    table: ['restaurant', 'guests'],
    pizza: ['size', 'quantity'],
    dinner: ['restaurant', 'day'],
    lunch: ['street', 'hour'],
  },
  entertainment: {
    song: ['artist', 'year'],
    movie: ['city', 'genre'],
    playlist: ['genre', 'minutes'],
    ticket: ['artist', 'seats'],
  },
  cloud: {
    server: ['region', 'cores'],
    backup: ['region', 'days'],
    cluster: ['region', 'nodes'],
    disk: ['size', 'zone'],
  },
};

/** Parameter → the ways a question may say it; `{}` stands for the value. */
export const PHRASES: Readonly<Record<string, readonly [string, string]>> = {
  city: ['in {}', 'near {}'],
  port: ['from {}', 'leaving {}'],
  day: ['on {}', 'this {}'],
  nights: ['for {} nights', 'staying {} nights'],
  hour: ['at {} hours', 'at hour {}'],
  level: ['at level {}', 'on level {}'],
  height: ['at {} meters', 'at height {}'],
  company: ['of {}', 'of company {}'],
  shares: ['with {} shares', 'for {} shares'],
  amount: ['of amount {}', 'worth {}'],
  years: ['over {} years', 'for {} years'],
  client: ['to client {}', 'for client {}'],
  month: ['for {}', 'in {}'],
  person: ['with {}', 'for {}'],
  topic: ['about {}', 'on topic {}'],
  building: ['in building {}', 'at building {}'],
  seats: ['with {} seats', 'for {} seats'],
  product: ['of product {}', 'for product {}'],
  quantity: ['with quantity {}', 'times {}'],
  percent: ['at {} percent', 'by {} percent'],
  brand: ['of brand {}', 'by brand {}'],
  price: ['at price {}', 'costing {}'],
  stars: ['with {} stars', 'giving {} stars'],
  room: ['in room {}', 'in the {} room'],
  degrees: ['to {} degrees', 'at {} degrees'],
  minutes: ['for {} minutes', 'lasting {} minutes'],
  members: ['with {} members', 'for {} members'],
  restaurant: ['at {}', 'at restaurant {}'],
  guests: ['for {} guests', 'with {} guests'],
  size: ['in size {}', 'of size {}'],
  street: ['to street {}', 'at street {}'],
  artist: ['by {}', 'by artist {}'],
  year: ['from {}', 'from year {}'],
  genre: ['in genre {}', 'of genre {}'],
  region: ['in region {}', 'at region {}'],
  cores: ['with {} cores', 'having {} cores'],
  days: ['for {} days', 'over {} days'],
  nodes: ['with {} nodes', 'across {} nodes'],
  zone: ['in zone {}', 'for zone {}'],
};

export const INTEGER_PARAMETERS: ReadonlySet<string> = new Set([
  ...[
    'nights',
    'hour',
    'level',
    'height',
    'shares',
    'amount',
    'years',
    'seats',
    'quantity',
    'percent',
    'price',
  ],
  ...['stars', 'degrees', 'minutes', 'members', 'guests', 'year', 'cores', 'days', 'nodes'],
]);

export const ENUM_VALUES: Readonly<Record<string, readonly string[]>> = {
  day: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'],
  month: ['January', 'March', 'April', 'June', 'August', 'October'],
  size: ['Small', 'Medium', 'Large', 'Tiny', 'Huge'],
  genre: ['Jazz', 'Rock', 'Drama', 'Comedy', 'Pop'],
};

export const OPENINGS = ['', 'Please ', 'Can you ', 'I need to ', 'Could you '] as const;
export const CLOSINGS = ['.', ', thanks.', '?'] as const;
export const ARTICLES = ['the', 'my', 'one'] as const;
/** Remarks that name a value which must not be used; `{p}` the parameter, `{}` the value. */
export const REMARKS = [
  'Last time the {p} was {}. ',
  'Ignore the old {p} {}. ',
  'My friend had {p} {}. ',
] as const;

const SYLLABLES =
  'ma ri ta lo ke vin sa do nel bra ti po gar lu fen mi ro zel ha wen co ju pa stor den ki'.split(' ');

/** 156 two-syllable proper names: values of every parameter that is neither a number nor an enumeration. */
export const NAMES: readonly string[] = (() => {
  const names: string[] = [];
  for (let first = 0; first < SYLLABLES.length; first++)
    for (let step = 0; step < 6; step++) {
      const second = (first * 7 + step * 5 + 3) % SYLLABLES.length;
      const word = (SYLLABLES[first] as string) + (SYLLABLES[second] as string);
      names.push(word.charAt(0).toUpperCase() + word.slice(1));
    }
  return [...new Set(names)];
})();

export const VERB_NAMES: readonly string[] = Object.keys(VERBS);
export const DOMAIN_NAMES: readonly string[] = Object.keys(DOMAINS);

export function objectsOf(domain: string): readonly string[] {
  const objects = DOMAINS[domain];
  if (!objects) throw new RangeError(`unknown domain "${domain}"; known: ${DOMAIN_NAMES.join(', ')}`);
  return Object.keys(objects);
}
