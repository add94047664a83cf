// SPDX-License-Identifier: Apache-2.0
/** Filters for ffmpeg's sources: in the first fifth of each second the picture is white and a beep is heard, both at once. */
export const flash = "drawbox=t=fill:color=white:enable='lt(mod(t,1),0.2)'";
export const beep = (channels = 1) => `'${Array(channels).fill('if(lt(mod(t,1),0.2),0.5*sin(2*PI*1000*t),0)').join('|')}'`;
