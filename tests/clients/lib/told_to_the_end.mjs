// SPDX-License-Identifier: Apache-2.0
// Loaded before each suite: --test-force-exit leaves out what is still to be told of one that ends at once.
import {after} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';

after(() => sleep(100));
