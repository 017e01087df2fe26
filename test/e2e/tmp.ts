import { setStage } from '../helpers/stage.ts';
import { inviteOf, joinByClick, roomPage, seesVideo } from '../helpers/call.ts';
const st = await setStage((u)=>({'/':{html:roomPage(u)}}));
const a = await st.open('chromium', st.site.url+'/'); await joinByClick(a); const link=await inviteOf(a);
const b = await st.open('firefox', link); const c = await st.open('chromium', link); await joinByClick(b); await joinByClick(c);
await Promise.all([a,b,c].map((p)=>seesVideo(p,2).catch(e=>console.log(String(e)))));
for (let i=0;i<4;i++){ await new Promise(r=>setTimeout(r,1500)); for (const [n,p] of [['a',a],['b',b],['c',c]] as const) console.log(n, JSON.stringify(await p.evaluate(async()=>{const r=document.querySelector('tai-room') as any; const s=await r.getStats(); return [document.visibilityState, Object.entries(s.peers).map(([k,v]:any)=>[k.slice(0,6),v.audioEnergy,v.framesDecoded,v.bytesReceived]), r.participants.map((p:any)=>[p.peerId.slice(0,6),p.name,p.microphone,p.audioTrack?.muted]), r.self?.peerId?.slice(0,6)]}))); }
await st.close();
