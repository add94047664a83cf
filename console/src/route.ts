// SPDX-License-Identifier: Apache-2.0
// Where we are: "#/cameras/front-door?at=1795421462" is page "cameras", name "front-door". The hash needs nothing of the server.
import {useEffect, useState} from 'preact/hooks';

export interface Route {
  page: string;
  name: string;
  query: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [page = '', ...rest] = path.split('/');
  let name = rest.join('/');
  try {
    name = decodeURIComponent(name);
  } catch {
    // A name with a lone '%': as it stands.
  }
  return {page: page || 'cameras', name, query: new URLSearchParams(query)};
}

export const linkTo = (page: string, name = ''): string => `#/${page}${name ? `/${encodeURIComponent(name)}` : ''}`;

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const follow = () => setRoute(parseRoute(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return route;
}
