import { NODES, type ProcessFarm } from './process-farm.js';

/** The node that is killed. */
export const KILLED = 1;

const ALL = [...NODES.keys()];
const SURVIVORS = ALL.filter((index) => index !== KILLED);

/** Every node says something in group `room`. Gives the texts, which end with the index of their node. */
export function speakInRoom(farm: ProcessFarm, phase: string): Promise<readonly string[]> {
  return speak(farm, phase, ALL);
}

/** Kills a node and starts it again. Gives what the nodes say in group `room` meanwhile and afterwards. */
export async function killAndRevive(farm: ProcessFarm): Promise<readonly string[]> {
  const dying = farm.kill(KILLED);
  const meanwhile = await speak(farm, 'meanwhile', SURVIVORS);
  await dying;
  const without = await speak(farm, 'without it', SURVIVORS);
  await farm.revive(KILLED);
  return [...meanwhile, ...without, ...(await speak(farm, 'again', ALL))];
}

async function speak(farm: ProcessFarm, phase: string, nodes: readonly number[]): Promise<readonly string[]> {
  const speaking = nodes.map(async (node) => {
    const texts = [1, 2, 3, 4, 5].map((number) => `${phase}, ${number} of node ${node}`);
    await farm.speak(node, ...texts.map((text) => ({ selector: 'group' as const, args: ['room'], text })));
    return texts;
  });
  return (await Promise.all(speaking)).flat();
}
