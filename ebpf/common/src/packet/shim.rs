//! What may stand between the link header and IP: up to two VLAN tags, then PPPoE or MPLS.

use super::{ETHERTYPE_IPV4, ETHERTYPE_IPV6, Packet, PacketBytes, Unparsed, settle};

/// One 802.1Q or 802.1ad tag.
const VLAN_LEN: usize = 4;
const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_QINQ: u16 = 0x88a8;
/// Stacked tags of switches older than 802.1ad.
const ETHERTYPE_QINQ_OLD: u16 = 0x9100;
/// A PPPoE session (RFC 2516).
const ETHERTYPE_PPPOE: u16 = 0x8864;
/// MPLS with one receiver (RFC 3032).
const ETHERTYPE_MPLS: u16 = 0x8847;

/// PPPoE header and PPP protocol number.
const PPPOE_LEN: u32 = 8;
const PPP_IPV4: [u8; 2] = [0x00, 0x21];
const PPP_IPV6: [u8; 2] = [0x00, 0x57];

/// An entry of MPLS's label stack.
const LABEL_LEN: u32 = 4;
/// The last one of them says so in its third byte.
const BOTTOM_OF_STACK: u8 = 1;
/// Longer stacks are not followed.
const MAX_LABELS: usize = 4;

/// Moves past them, `ethertype` being what the header before them says; returns the type of what follows.
#[inline(always)]
pub(super) fn skip<P: PacketBytes + ?Sized>(
    bytes: &P,
    packet: &mut Packet,
    ethertype: u16,
) -> Result<u16, Unparsed> {
    let mut ethertype = ethertype;
    if is_vlan(ethertype) {
        ethertype = skip_vlan(bytes, packet)?;
        if is_vlan(ethertype) {
            ethertype = skip_vlan(bytes, packet)?;
            if is_vlan(ethertype) {
                return Err(Unparsed::TooManyVlans);
            }
        }
    }
    let packet = settle(packet);
    match ethertype {
        ETHERTYPE_PPPOE => skip_pppoe(bytes, packet),
        ETHERTYPE_MPLS => skip_labels(bytes, packet),
        other => Ok(other),
    }
}

#[inline(always)]
const fn is_vlan(ethertype: u16) -> bool {
    matches!(
        ethertype,
        ETHERTYPE_VLAN | ETHERTYPE_QINQ | ETHERTYPE_QINQ_OLD
    )
}

/// Moves past a VLAN tag; returns the type of what follows.
#[inline(always)]
fn skip_vlan<P: PacketBytes + ?Sized>(bytes: &P, packet: &mut Packet) -> Result<u16, Unparsed> {
    let [_, _, hi, lo] = bytes
        .bytes::<4>(packet.offset as usize)
        .ok_or(Unparsed::Truncated)?;
    packet.offset += VLAN_LEN as u32;
    Ok(u16::from_be_bytes([hi, lo]))
}

/// Moves past the headers of PPPoE and PPP; returns the type of what follows.
#[inline(always)]
fn skip_pppoe<P: PacketBytes + ?Sized>(bytes: &P, packet: &mut Packet) -> Result<u16, Unparsed> {
    let [version_type, code, .., hi, lo] = bytes
        .bytes::<8>(packet.offset as usize)
        .ok_or(Unparsed::Truncated)?;
    packet.offset += PPPOE_LEN;
    match (version_type, code, [hi, lo]) {
        (0x11, 0, PPP_IPV4) => Ok(ETHERTYPE_IPV4),
        (0x11, 0, PPP_IPV6) => Ok(ETHERTYPE_IPV6),
        _ => Err(Unparsed::NotIp),
    }
}

/// Moves past the labels of MPLS; returns the type of what follows, which nothing but its first bits tells.
#[inline(always)]
fn skip_labels<P: PacketBytes + ?Sized>(bytes: &P, packet: &mut Packet) -> Result<u16, Unparsed> {
    for _ in 0..MAX_LABELS {
        let packet = settle(packet);
        let [_, _, third, _, version] = bytes
            .bytes::<5>(packet.offset as usize)
            .ok_or(Unparsed::Truncated)?;
        packet.offset += LABEL_LEN;
        if third & BOTTOM_OF_STACK != 0 {
            return match version >> 4 {
                4 => Ok(ETHERTYPE_IPV4),
                6 => Ok(ETHERTYPE_IPV6),
                _ => Err(Unparsed::NotIp),
            };
        }
    }
    Err(Unparsed::NotIp)
}
