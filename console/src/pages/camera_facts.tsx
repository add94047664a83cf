// SPDX-License-Identifier: Apache-2.0
import {useEffect, useState} from 'preact/hooks';
import type {CameraFacts, Coverage} from '../api/own';
import {bitRate, span, when} from '../format';
import {linkTo} from '../route';

interface Reception { bitsPerSecond: number; lost: number; jitter: number; size: string; rate: number }

/** What this browser receives by WebRTC, once a second. */
function useReception(peer: () => RTCPeerConnection | undefined): Reception | undefined {
  const [reception, setReception] = useState<Reception>();
  useEffect(() => {
    let before: {bytes: number; at: number} | undefined;
    const timer = setInterval(async () => {
      const stats = await peer()?.getStats();
      const video = [...(stats?.values() ?? [])].find((each) => each.type === 'inbound-rtp' && each.kind === 'video');
      if (!video) {
        before = undefined;
        setReception(undefined);
        return;
      }
      const now = {bytes: video.bytesReceived as number, at: video.timestamp as number};
      if (before && now.at > before.at) {
        setReception({bitsPerSecond: (now.bytes - before.bytes) * 8000 / (now.at - before.at), lost: video.packetsLost ?? 0, jitter: video.jitter ?? 0,
          size: video.frameWidth ? `${video.frameWidth} x ${video.frameHeight}` : '', rate: video.framesPerSecond ?? 0});
      }
      before = now;
    }, 1000);
    return () => clearInterval(timer);
  }, []);
  return reception;
}

const Row = ({name, children}: {name: string; children: preact.ComponentChildren}) => <><dt>{name}</dt><dd>{children}</dd></>;

export function Facts({camera, peer, coverage}: {camera: CameraFacts; peer: () => RTCPeerConnection | undefined; coverage: Coverage | undefined}) {
  const reception = useReception(peer);
  const missing = coverage?.gaps.reduce((sum, gap) => sum + gap.end - gap.start, 0) ?? 0;
  return (
    <aside class="card facts" aria-label="About this camera">
      <h2>Now</h2>
      <dl>
        {camera.bitsPerSecond !== undefined && <Row name="Recorded at">{bitRate(camera.bitsPerSecond)}</Row>}
        {camera.recordingSince !== undefined && <Row name="Recording since">{when(camera.recordingSince)}</Row>}
        {camera.newestEnd !== undefined && <Row name="Recorded until">{when(camera.newestEnd)}</Row>}
        <Row name="Viewers">{camera.viewers}</Row>
        <Row name="Stream">{camera.streamName ?? 'none'}</Row>
      </dl>
      {reception && (
        <>
          <h2>This view</h2>
          <dl>
            <Row name="Picture">{reception.size}{reception.rate ? `, ${reception.rate} /s` : ''}</Row>
            <Row name="Received">{bitRate(reception.bitsPerSecond)}</Row>
            <Row name="Lost">{reception.lost} packets</Row>
            <Row name="Jitter">{(reception.jitter * 1000).toFixed(1)} ms</Row>
          </dl>
        </>
      )}
      {coverage && (
        <>
          <h2>Around the strip</h2>
          <dl>
            <Row name="Gaps">{coverage.gaps.length}{missing > 0 ? `, ${span(missing)}` : ''}</Row>
          </dl>
          {coverage.gaps.length > 0 && (
            <details><summary>List of gaps</summary>
              <ul class="gaps">{coverage.gaps.slice(-50).reverse().map((gap) => <li>{when(gap.start)}: {span(gap.end - gap.start)}, {gap.reasonText}{gap.open ? ', still open' : ''}</li>)}</ul>
            </details>
          )}
        </>
      )}
      {camera.channelArn && <p><a href={`${linkTo('sessions')}?channel=${encodeURIComponent(camera.name)}`}>Sessions of this channel</a></p>}
    </aside>
  );
}
