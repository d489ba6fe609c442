pub struct Depth;
pub struct SeResNet;
