import { timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';

/** Somebody who may sign in. */
export interface User {
  readonly email: string;
  readonly name: string;
}

/** The members of this demo. A real application keeps hashes of passwords in a database. */
const members: readonly (User & { readonly password: string })[] = [
  { email: 'ann@example.com', name: 'Ann', password: 'apple' },
  { email: 'bob@example.com', name: 'Bob', password: 'banana' },
  { email: 'cleo@example.com', name: 'Cleo', password: 'cherry' },
];

@Injectable()
export class Users {
  get all(): readonly User[] {
    return members.map(({ email, name }) => ({ email, name }));
  }

  find(email: string): User | undefined {
    return this.all.find((user) => user.email === email);
  }

  /** Who signs in; undefined for a wrong address or password. */
  check(email: unknown, password: unknown): User | undefined {
    const member = members.find((each) => each.email === email);
    return member !== undefined && typeof password === 'string' && isSame(member.password, password)
      ? this.find(member.email)
      : undefined;
  }
}

function isSame(expected: string, given: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(given)];
  return left.length === right.length && timingSafeEqual(left, right);
}
