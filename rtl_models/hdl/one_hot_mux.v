// The word whose select bit is set; 0 if none is. At most 8 words (a router has at most 8 ports).
module one_hot_mux #(
    parameter N = 2,
    parameter WIDTH = 8
) (
    input  wire [      N-1:0] select,
    input  wire [N*WIDTH-1:0] in,
    output wire [  WIDTH-1:0] out
);
    wire [7:0] s = {{8 - N{1'b0}}, select};
    wire [8*WIDTH-1:0] w = {{(8 - N) * WIDTH{1'b0}}, in};
    assign out = (w[0+:WIDTH] & {WIDTH{s[0]}}) | (w[WIDTH+:WIDTH] & {WIDTH{s[1]}})
               | (w[2*WIDTH+:WIDTH] & {WIDTH{s[2]}}) | (w[3*WIDTH+:WIDTH] & {WIDTH{s[3]}})
               | (w[4*WIDTH+:WIDTH] & {WIDTH{s[4]}}) | (w[5*WIDTH+:WIDTH] & {WIDTH{s[5]}})
               | (w[6*WIDTH+:WIDTH] & {WIDTH{s[6]}}) | (w[7*WIDTH+:WIDTH] & {WIDTH{s[7]}});
endmodule
