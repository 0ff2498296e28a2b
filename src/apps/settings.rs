//! The settings that the ready applications start from.

use crate::Settings;

/// The largest text of the chats, bytes; past it 1009.
pub const MAX_CHAT_TEXT: usize = 64 << 10;

/// The settings that the ready applications start from: the defaults, and permessage-deflate for
/// who offers it. All of one thread share its contexts, and so the compressed broadcasts.
pub fn settings() -> Settings {
    #[cfg(feature = "deflate")]
    {
        use crate::wire::deflate::Deflate;
        thread_local!(static DEFLATE: Deflate = Deflate::new());
        Settings::default().extension(DEFLATE.with(Deflate::clone))
    }
    #[cfg(not(feature = "deflate"))]
    Settings::default()
}

/// The settings of the chats: [`settings`] with messages of at most [`MAX_CHAT_TEXT`].
pub(super) fn chat_settings() -> Settings {
    settings().max_message_size(MAX_CHAT_TEXT)
}
