/**
 * 64 emoji for people to compare, six bits each. The order is part of the protocol (PROTOCOL.md RC3): whoever changes it
 * changes every code.
 *
 * How they were chosen: one code point each, shown in colour without a variation selector, in Unicode since 2016, so that every
 * platform has them; told apart by outline, not by colour (no second round fruit, no second wedge, no second crescent, no
 * hearts, flags, clocks at other times or faces of people); a name that is short, and that does not sound like another's
 * over a poor line (no `house` beside `horse`).
 */
export type Emoji = {
  readonly symbol: string;
  /** In English, lower case. */
  readonly name: string;
};

export const EMOJI: readonly Emoji[] = [
  { symbol: '🐘', name: 'elephant' },
  { symbol: '🐢', name: 'turtle' },
  { symbol: '🐙', name: 'octopus' },
  { symbol: '🦋', name: 'butterfly' },
  { symbol: '🐧', name: 'penguin' },
  { symbol: '🐟', name: 'fish' },
  { symbol: '🐍', name: 'snake' },
  { symbol: '🦄', name: 'unicorn' },
  { symbol: '🐱', name: 'cat' },
  { symbol: '🐳', name: 'whale' },
  { symbol: '🦁', name: 'lion' },
  { symbol: '🐷', name: 'pig' },
  { symbol: '🦀', name: 'crab' },
  { symbol: '🦉', name: 'owl' },
  { symbol: '🌍', name: 'globe' },
  { symbol: '🐊', name: 'crocodile' },
  { symbol: '🐸', name: 'frog' },
  { symbol: '🌵', name: 'cactus' },
  { symbol: '🍄', name: 'mushroom' },
  { symbol: '🌻', name: 'sunflower' },
  { symbol: '🌲', name: 'tree' },
  { symbol: '🍎', name: 'apple' },
  { symbol: '🍇', name: 'grapes' },
  { symbol: '🥕', name: 'carrot' },
  { symbol: '🍕', name: 'pizza' },
  { symbol: '🍔', name: 'burger' },
  { symbol: '🍩', name: 'donut' },
  { symbol: '🍦', name: 'ice cream' },
  { symbol: '☕', name: 'coffee' },
  { symbol: '🔑', name: 'key' },
  { symbol: '🔔', name: 'bell' },
  { symbol: '🎻', name: 'violin' },
  { symbol: '🎺', name: 'trumpet' },
  { symbol: '🥁', name: 'drum' },
  { symbol: '📕', name: 'book' },
  { symbol: '👟', name: 'shoe' },
  { symbol: '🎁', name: 'gift' },
  { symbol: '🔨', name: 'hammer' },
  { symbol: '📎', name: 'paperclip' },
  { symbol: '⚽', name: 'football' },
  { symbol: '⏳', name: 'hourglass' },
  { symbol: '📷', name: 'camera' },
  { symbol: '📞', name: 'telephone' },
  { symbol: '☔', name: 'umbrella' },
  { symbol: '👑', name: 'crown' },
  { symbol: '💎', name: 'diamond' },
  { symbol: '🏆', name: 'trophy' },
  { symbol: '⚓', name: 'anchor' },
  { symbol: '🚀', name: 'rocket' },
  { symbol: '🚲', name: 'bicycle' },
  { symbol: '🚜', name: 'tractor' },
  { symbol: '⛵', name: 'sailboat' },
  { symbol: '🚁', name: 'helicopter' },
  { symbol: '🏠', name: 'house' },
  { symbol: '🎃', name: 'pumpkin' },
  { symbol: '🌋', name: 'volcano' },
  { symbol: '⛄', name: 'snowman' },
  { symbol: '🌙', name: 'moon' },
  { symbol: '⭐', name: 'star' },
  { symbol: '🌈', name: 'rainbow' },
  { symbol: '🔥', name: 'fire' },
  { symbol: '⚡', name: 'lightning' },
  { symbol: '🎲', name: 'dice' },
  { symbol: '🤖', name: 'robot' },
];
